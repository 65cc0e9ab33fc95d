//! One row for each checked-in fixture: how it is run, where it is killed, and what each of its subtests composes.

/// How a fixture is run to its end, with one stop in the middle, and what is to come of it.
pub(super) struct Case {
    /// The fixture.
    pub(super) name: &'static str,
    /// What is said to `run` beside agent and judge.
    pub(super) flags: &'static [&'static str],
    /// Judges of the panel.
    pub(super) judges: usize,
    /// Subtests that judges like: they win their tier, unless another one is as good for fewer tokens.
    pub(super) favourites: &'static str,
    /// Whom the coordinator waits for when it is killed: `agent` or `judge`, and the run.
    pub(super) killed_at: (&'static str, &'static str),
    /// Runs of the plan.
    pub(super) runs: usize,
    /// What each subtest composes.
    pub(super) composed: &'static [&'static str],
}

const USUAL: Case =
    Case { name: "", flags: &["--runs", "1"], judges: 1, favourites: "", killed_at: ("", ""), runs: 0, composed: &[] };

/// Every fixture of the tree.
pub(super) const CASES: [Case; 12] = [
    Case {
        name: "test-001",
        favourites: "T0/03 T1/02 T2/01 T3/01 T4/08 T5/02",
        killed_at: ("judge", "T3/02/1"),
        runs: 26,
        composed: &[
            "T0/00: prompt none",
            "T0/01: prompt default",
            "T0/02: reads House rules; has agents/bookkeeper.md settings.json",
            "T0/03: reads Lay of the land + House rules + Manner; has agents/bookkeeper.md settings.json",
            "T0/04: reads House rules; has agents/bookkeeper.md settings.json",
            "T1/01: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md settings.json \
             skills/close-issue/ skills/open-issue/; from T0/03",
            "T1/02: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md settings.json \
             skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; from T0/03",
            "T1/03: reads Ledger + offer; has agents/bookkeeper.md settings.json \
             skills/rename-symbol/ skills/rename-symbol/scripts/find.sh",
            "T1/10: reads Lay of the land + House rules + Manner; has agents/bookkeeper.md settings.json; from T0/03",
            "T2/01: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md settings.json \
             skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; tools Read,Write,Edit; from T1/02",
            "T2/02: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md settings.json \
             skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; tools all; from T1/02",
            "T2/03: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md settings.json \
             skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; servers clock @modelcontextprotocol/servers/clock; \
             from T1/02",
            "T2/04: reads Ledger + offer; has agents/bookkeeper.md mcp/shelf.json settings.json; servers shelf @local/shelf",
            "T2/05: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md settings.json \
             skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; servers clock @modelcontextprotocol/servers/clock, \
             weather @third-party/weather; from T1/02",
            "T3/01: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/planner.md \
             settings.json skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; tools Read,Write,Edit; from T2/01",
            "T3/02: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/maker.md \
             agents/reviewer.md settings.json skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; \
             tools Read,Write,Edit; from T2/01",
            "T3/03: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/maker.md \
             agents/reviewer.md settings.json skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; \
             tools Read,Write,Edit; from T2/01",
            "T3/04: reads Ledger + offer; has agents/bookkeeper.md agents/code-lead.md agents/reviewer.md settings.json",
            "T4/01: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/captain.md \
             agents/planner.md settings.json skills/rename-symbol/ skills/rename-symbol/scripts/find.sh; \
             tools Read,Write,Edit; from T3/01",
            "T4/02: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/code-lead.md \
             agents/planner.md agents/test-lead.md settings.json skills/rename-symbol/ \
             skills/rename-symbol/scripts/find.sh; tools Read,Write,Edit; from T3/01",
            "T4/08: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/captain.md \
             agents/code-lead.md agents/planner.md agents/test-lead.md settings.json skills/rename-symbol/ \
             skills/rename-symbol/scripts/find.sh; tools Read,Write,Edit; as a team; from T3/01",
            "T5/01: reads Lay of the land + House rules + Manner; has agents/bookkeeper.md settings.json; from T0/03",
            "T5/02: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/captain.md \
             agents/code-lead.md agents/planner.md agents/test-lead.md settings.json skills/rename-symbol/ \
             skills/rename-symbol/scripts/find.sh; tools Read,Write,Edit; as a team; from T0/03 T1/02 T2/01 T3/01 T4/08",
            "T5/06: reads Manner + offer; has agents/bookkeeper.md settings.json skills/rename-symbol/ \
             skills/rename-symbol/scripts/find.sh; from T0/03 T1/02",
            "T5/07: reads Ledger + offer; has agents/bookkeeper.md settings.json; tools Read,Write,Edit,Bash; \
             servers memo @modelcontextprotocol/servers/memo; from T2/01",
            "T6/01: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/captain.md \
             agents/code-lead.md agents/maker.md agents/mender.md agents/planner.md agents/reviewer.md agents/sweeper.md \
             agents/test-lead.md mcp/shelf.json settings.json skills/close-issue/ skills/open-issue/ skills/rename-symbol/ \
             skills/rename-symbol/scripts/find.sh; tools all; servers clock @modelcontextprotocol/servers/clock, \
             shelf @local/shelf",
        ],
        ..USUAL
    },
    Case {
        name: "test-002",
        flags: &["--runs", "2"],
        killed_at: ("judge", "T0/01/2"),
        runs: 10,
        composed: &[
            "T0/00: prompt none",
            "T0/01: prompt default",
            "T0/02: reads House rules; has agents/bookkeeper.md settings.json",
            "T0/03: reads Lay of the land + House rules + Manner; has agents/bookkeeper.md settings.json",
            "T0/04: reads House rules; has agents/bookkeeper.md settings.json",
        ],
        ..USUAL
    },
    Case {
        name: "test-003",
        flags: &["--runs", "2", "--max-subtests", "1"],
        killed_at: ("agent", "T0/00/1"),
        runs: 2,
        composed: &["T0/00: prompt none"],
        ..USUAL
    },
    Case {
        name: "test-004",
        killed_at: ("agent", "T2/03/1"),
        runs: 5,
        composed: &[
            "T2/01: reads offer; has settings.json; tools Read,Write,Edit",
            "T2/02: reads offer; has settings.json; tools all",
            "T2/03: reads offer; has settings.json; servers clock @modelcontextprotocol/servers/clock",
            "T2/04: reads offer; has mcp/shelf.json settings.json; servers shelf @local/shelf",
            "T2/05: reads offer; has settings.json; servers clock @modelcontextprotocol/servers/clock, \
             weather @third-party/weather",
        ],
        ..USUAL
    },
    // Two are liked as much as each other, so the tokens decide: the higher number takes fewer.
    Case {
        name: "test-005",
        favourites: "T0/02 T0/04",
        killed_at: ("judge", "T0/04/1"),
        runs: 9,
        composed: &[
            "T0/00: prompt none",
            "T0/01: prompt default",
            "T0/02: reads House rules; has settings.json",
            "T0/03: reads Lay of the land + House rules + Manner; has settings.json",
            "T0/04: reads House rules; has settings.json",
            "T1/01: reads House rules + offer; has settings.json skills/close-issue/ skills/open-issue/; from T0/04",
            "T1/02: reads House rules + offer; has settings.json skills/rename-symbol/ \
             skills/rename-symbol/scripts/find.sh; from T0/04",
            "T1/03: reads offer; has settings.json skills/rename-symbol/ skills/rename-symbol/scripts/find.sh",
            "T1/10: reads House rules; has settings.json; from T0/04",
        ],
        ..USUAL
    },
    // The nearest earlier tier of the plan is not always the one before.
    Case {
        name: "test-006",
        favourites: "T1/01",
        killed_at: ("agent", "T3/01/1"),
        runs: 8,
        composed: &[
            "T1/01: reads offer; has settings.json skills/close-issue/ skills/open-issue/",
            "T1/02: reads offer; has settings.json skills/rename-symbol/ skills/rename-symbol/scripts/find.sh",
            "T1/03: reads offer; has settings.json skills/rename-symbol/ skills/rename-symbol/scripts/find.sh",
            "T1/10: ",
            "T3/01: reads offer; has agents/planner.md settings.json skills/close-issue/ skills/open-issue/; from T1/01",
            "T3/02: reads offer; has agents/maker.md agents/reviewer.md settings.json skills/close-issue/ \
             skills/open-issue/; from T1/01",
            "T3/03: reads offer; has agents/maker.md agents/reviewer.md settings.json skills/close-issue/ \
             skills/open-issue/; from T1/01",
            "T3/04: reads offer; has agents/code-lead.md agents/reviewer.md settings.json",
        ],
        ..USUAL
    },
    Case {
        name: "test-007",
        favourites: "T3/02",
        killed_at: ("judge", "T4/02/1"),
        runs: 7,
        composed: &[
            "T3/01: reads offer; has agents/planner.md settings.json",
            "T3/02: reads offer; has agents/maker.md agents/reviewer.md settings.json",
            "T3/03: reads offer; has agents/maker.md agents/reviewer.md settings.json",
            "T3/04: reads offer; has agents/code-lead.md agents/reviewer.md settings.json",
            "T4/01: reads offer; has agents/captain.md agents/maker.md agents/reviewer.md settings.json; from T3/02",
            "T4/02: reads offer; has agents/code-lead.md agents/maker.md agents/reviewer.md agents/test-lead.md \
             settings.json; from T3/02",
            "T4/08: reads offer; has agents/captain.md agents/code-lead.md agents/maker.md agents/reviewer.md \
             agents/test-lead.md settings.json; as a team; from T3/02",
        ],
        ..USUAL
    },
    // Everyone takes over the winner before, whatever the subtest says; a system prompt is nobody's heritage.
    Case {
        name: "test-008",
        flags: &["--runs", "1", "--max-subtests", "2", "--tiers", "T0,T2,T3,T6", "--inherit", "previous-best"],
        favourites: "T0/01 T2/01 T3/02",
        killed_at: ("agent", "T3/02/1"),
        runs: 7,
        composed: &[
            "T0/00: prompt none",
            "T0/01: prompt default",
            "T2/01: reads Ledger + offer; has agents/bookkeeper.md settings.json; tools Read,Write,Edit; from T0/01",
            "T2/02: reads Ledger + offer; has agents/bookkeeper.md settings.json; tools all; from T0/01",
            "T3/01: reads Ledger + offer; has agents/bookkeeper.md agents/planner.md settings.json; \
             tools Read,Write,Edit; from T2/01",
            "T3/02: reads Ledger + offer; has agents/bookkeeper.md agents/maker.md agents/reviewer.md settings.json; \
             tools Read,Write,Edit; from T2/01",
            "T6/01: reads Lay of the land + House rules + Manner + offer; has agents/bookkeeper.md agents/captain.md \
             agents/code-lead.md agents/maker.md agents/mender.md agents/planner.md agents/reviewer.md agents/sweeper.md \
             agents/test-lead.md mcp/shelf.json settings.json skills/close-issue/ skills/open-issue/ skills/rename-symbol/ \
             skills/rename-symbol/scripts/find.sh; tools all; servers clock @modelcontextprotocol/servers/clock, \
             shelf @local/shelf",
        ],
        ..USUAL
    },
    Case {
        name: "test-009",
        flags: &["--runs", "1", "--max-subtests", "1", "--inherit", "none", "--thinking", "High"],
        killed_at: ("judge", "T5/01/1"),
        runs: 7,
        composed: &[
            "T0/00: has settings.json; and thinks; prompt none",
            "T1/01: reads offer; has settings.json skills/close-issue/ skills/open-issue/; and thinks",
            "T2/01: reads offer; has settings.json; tools Read,Write,Edit; and thinks",
            "T3/01: reads offer; has agents/planner.md settings.json; and thinks",
            "T4/01: reads offer; has agents/captain.md settings.json; and thinks",
            "T5/01: has settings.json; and thinks",
            "T6/01: reads Lay of the land + House rules + Manner + offer; has agents/captain.md agents/code-lead.md \
             agents/maker.md agents/mender.md agents/planner.md agents/reviewer.md agents/sweeper.md agents/test-lead.md \
             mcp/shelf.json settings.json skills/close-issue/ skills/open-issue/ skills/rename-symbol/ \
             skills/rename-symbol/scripts/find.sh; tools all; servers clock @modelcontextprotocol/servers/clock, \
             shelf @local/shelf; and thinks",
        ],
        ..USUAL
    },
    Case {
        name: "test-010",
        flags: &["--runs", "1", "--max-subtests", "3"],
        killed_at: ("judge", "T0/01/1"),
        runs: 3,
        composed: &["T0/00: prompt none", "T0/01: prompt default", "T0/02: reads House rules; has settings.json"],
        ..USUAL
    },
    // What is shared lies in the fixture itself.
    Case {
        name: "test-011",
        flags: &["--runs", "2"],
        favourites: "T0/02",
        killed_at: ("agent", "T1/01/1"),
        runs: 8,
        composed: &[
            "T0/00: ",
            "T0/02: reads Shelf; has settings.json",
            "T1/01: reads Shelf + offer; has agents/folder.md settings.json skills/fold-paper/; tools all; from T0/02",
            "T1/02: reads offer; has agents/folder.md mcp/paper.json settings.json skills/fold-paper/; tools all; \
             servers paper @local/paper",
        ],
        ..USUAL
    },
    Case {
        name: "test-012",
        flags: &["--runs", "2", "--max-subtests", "3"],
        judges: 2,
        favourites: "T0/02",
        killed_at: ("judge", "T0/01/1"),
        runs: 6,
        composed: &[
            "T0/00: prompt none",
            "T0/01: prompt default",
            "T0/02: reads House rules; has agents/bookkeeper.md settings.json",
        ],
    },
];
