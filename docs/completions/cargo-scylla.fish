# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_cargo_scylla_global_optspecs
    string join \n v/verbose q/quiet message-format= color= h/help V/version
end

function __fish_cargo_scylla_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_cargo_scylla_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_cargo_scylla_using_subcommand
    set -l cmd (__fish_cargo_scylla_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -s V -l version -d 'Print version'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "run" -d 'Start an experiment, or go on with the unfinished one of the same fixture'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "resume" -d 'Go on with an experiment, from its folder alone'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "extend" -d 'Add runs, tiers or subtests to an experiment, and make them'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "rerun" -d 'Make runs again that are named; their former attempts are kept'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "regrade" -d 'Grade again what agents have done, by a mended rubric, criteria, checks or judges'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "status" -d 'Show where an experiment stands, also while it runs'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "verify" -d 'Check that results, checkpoint and plan agree; writes nothing'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "repair" -d 'Mend what `verify` finds; deletes nothing and invents nothing'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "checkout" -d 'Rebuild the tree of a run as it was graded'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "export" -d 'Write an experiment anew in the form of ProjectScylla\'s runner'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "fixture" -d 'Check, make or list fixtures'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "completions" -d 'Print completions of `cargo-scylla` and `cargo scylla` for a shell'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "man" -d 'Print the manual page of `cargo-scylla`'
complete -c cargo-scylla -n "__fish_cargo_scylla_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l tiers-dir -d 'The fixture; the spelling of ProjectScylla' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l results-dir -d 'Where experiments lie [default: `scylla-results` at the root of the workspace, or in the current folder outside of one]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l tiers -d 'Tiers to run, such as `T0,T1` [default: all of the fixture]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l runs -d 'How many runs of each subtest the experiment has [default: 10]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l max-subtests -d 'Take only the first N subtests of each tier' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l price-per-run -d 'What a run is expected to cost, in US dollars, for the estimate of `--dry-run`' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l shared-dir -d 'The folder of subtests and resources that fixtures share [default: `shared` in the fixture, else the nearest `claude-code/shared`]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l agent-command -d 'Shell line of the agent, for subtests that name none. A `run` keeps it in the experiment, for each resume' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l judge-command -d 'Shell line of a judge, in place of the fixture\'s panel; may be given several times. A `run` keeps it too' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l model -d 'Model that agents are told to use, as `$SCYLLA_MODEL`' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l judge-model -d 'Model that judges are told to use, in their request; the first one counts' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l thinking -d 'How much agents are told to think, by a word before the prompt [default: None]' -r -f -a "None\t''
Low\t''
High\t''
UltraThink\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l timeout -d 'How long an agent may work, such as `600` (seconds), `10m` or `1h30m`; then what is there is graded [default: the fixture\'s, else 1h]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l inherit -d 'What subtests take over from the winners of earlier tiers [default: as-declared]' -r -f -a "none\t''
previous-best\t''
as-declared\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -s j -l jobs -d 'Runs in flight at once [default: the number of cores]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l attempts -d 'How often a run is tried in one session when infrastructure fails [default: 3]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l max-cost-usd -d 'Ceiling of the cost in US dollars; every attempt and judge counts' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l keep-workspaces -d 'Which workspaces stay after their run is committed [default: none]' -r -f -a "none\t''
failed\t''
all\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l containment -d 'How the processes of a run are held together, so that none outlives it [default: auto]' -r -f -a "auto\t''
bubblewrap\t''
cgroup\t''
walk\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l work-dir -d 'Where agents, checks and judges work, outside of every project [default: /var/tmp]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l by -d 'What the table of results has a row for [default: each setup; above 30 setups each tier]' -r -f -a "subtest\t'Each setup'
tier\t'Each tier'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l fresh -d 'Start a new experiment even if there is one of this fixture'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -s n -l dry-run -d 'Show the whole plan and what each subtest composes; start and write nothing'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -l ignore-rate-limit -d 'Ask at once, although a provider named a later time when it was asked last'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l tiers-dir -d 'The fixture from which missing runs are made [default: the folder of its prompt, from the current one]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l shared-dir -d 'The folder of subtests and resources that fixtures share [default: `shared` in the fixture, else the nearest `claude-code/shared`]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l agent-command -d 'Shell line of the agent, for subtests that name none. A `run` keeps it in the experiment, for each resume' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l judge-command -d 'Shell line of a judge, in place of the fixture\'s panel; may be given several times. A `run` keeps it too' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l model -d 'Model that agents are told to use, as `$SCYLLA_MODEL`' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l judge-model -d 'Model that judges are told to use, in their request; the first one counts' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l thinking -d 'How much agents are told to think, by a word before the prompt [default: as saved]' -r -f -a "None\t''
Low\t''
High\t''
UltraThink\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l timeout -d 'How long an agent may work, such as `600` (seconds), `10m` or `1h30m`; then what is there is graded [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l inherit -d 'What subtests take over from the winners of earlier tiers [default: as saved]' -r -f -a "none\t''
previous-best\t''
as-declared\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -s j -l jobs -d 'Runs in flight at once [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l attempts -d 'How often a run is tried in one session when infrastructure fails [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l max-cost-usd -d 'Ceiling of the cost in US dollars; every attempt and judge counts' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l keep-workspaces -d 'Which workspaces stay after their run is committed [default: as saved]' -r -f -a "none\t''
failed\t''
all\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l containment -d 'How the processes of a run are held together, so that none outlives it [default: as saved]' -r -f -a "auto\t''
bubblewrap\t''
cgroup\t''
walk\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l work-dir -d 'Where agents, checks and judges work, outside of every project [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l by -d 'What the table of results has a row for [default: each setup; above 30 setups each tier]' -r -f -a "subtest\t'Each setup'
tier\t'Each tier'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l redo-unjudged -d 'Make runs anew whose agent is done and whose judges are not: their agents are paid again'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -l ignore-rate-limit -d 'Ask at once, although a provider named a later time when it was asked last'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand resume" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l runs -d 'How many runs each subtest has from now on, those that are there included' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l tiers -d 'Tiers of the fixture to add, such as `T2,T3`' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l max-subtests -d 'Take the first N subtests of each tier from now on' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -s j -l jobs -d 'Runs in flight at once [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l attempts -d 'How often a run is tried in one session when infrastructure fails [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l max-cost-usd -d 'Ceiling of the cost in US dollars; every attempt and judge counts' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l keep-workspaces -d 'Which workspaces stay after their run is committed [default: as saved]' -r -f -a "none\t''
failed\t''
all\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l containment -d 'How the processes of a run are held together, so that none outlives it [default: as saved]' -r -f -a "auto\t''
bubblewrap\t''
cgroup\t''
walk\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l work-dir -d 'Where agents, checks and judges work, outside of every project [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l by -d 'What the table of results has a row for [default: each setup; above 30 setups each tier]' -r -f -a "subtest\t'Each setup'
tier\t'Each tier'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l plan-only -d 'Record the growth and start nothing; `resume` makes the runs'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -l ignore-rate-limit -d 'Ask at once, although a provider named a later time when it was asked last'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand extend" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l run -d 'A run to make again, such as `T0/00/1`, whatever it holds; may be given several times' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -s j -l jobs -d 'Runs in flight at once [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l attempts -d 'How often a run is tried in one session when infrastructure fails [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l max-cost-usd -d 'Ceiling of the cost in US dollars; every attempt and judge counts' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l keep-workspaces -d 'Which workspaces stay after their run is committed [default: as saved]' -r -f -a "none\t''
failed\t''
all\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l containment -d 'How the processes of a run are held together, so that none outlives it [default: as saved]' -r -f -a "auto\t''
bubblewrap\t''
cgroup\t''
walk\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l work-dir -d 'Where agents, checks and judges work, outside of every project [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l by -d 'What the table of results has a row for [default: each setup; above 30 setups each tier]' -r -f -a "subtest\t'Each setup'
tier\t'Each tier'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l errored -d 'Make every run again that is missing because infrastructure failed; agents that are done are not asked again'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -l ignore-rate-limit -d 'Ask at once, although a provider named a later time when it was asked last'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand rerun" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l from -d 'The mended fixture [default: `tiers-dir` of the settings, when it is the experiment\'s]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l run -d 'A run to grade, such as `T0/00/1`; may be given several times [default: every run whose agent is done]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l reason -d 'Why, in a sentence that is kept with the grading' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -s j -l jobs -d 'Runs in flight at once [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l attempts -d 'How often a run is tried in one session when infrastructure fails [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l max-cost-usd -d 'Ceiling of the cost in US dollars; every attempt and judge counts' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l keep-workspaces -d 'Which workspaces stay after their run is committed [default: as saved]' -r -f -a "none\t''
failed\t''
all\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l containment -d 'How the processes of a run are held together, so that none outlives it [default: as saved]' -r -f -a "auto\t''
bubblewrap\t''
cgroup\t''
walk\t''"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l work-dir -d 'Where agents, checks and judges work, outside of every project [default: as saved]' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l by -d 'What the table of results has a row for [default: each setup; above 30 setups each tier]' -r -f -a "subtest\t'Each setup'
tier\t'Each tier'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -l ignore-rate-limit -d 'Ask at once, although a provider named a later time when it was asked last'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand regrade" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand status" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand status" -l by -d 'What the table of results has a row for [default: each setup; above 30 setups each tier]' -r -f -a "subtest\t'Each setup'
tier\t'Each tier'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand status" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand status" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand status" -s w -l watch -d 'Show it again every two seconds, until no coordinator is at work on it'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand status" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand status" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand status" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -l format -d 'Form of the report [with `--message-format json`: json]' -r -f -a "human\t'For people'
json\t'One JSON document'
junit\t'`JUnit` XML: a test for each planned run'
github\t'Annotations of GitHub Actions'
sarif\t'SARIF 2.1.0'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -l max-missing -d 'So many planned runs may be missing: exit 7 when there are more, 0 instead of 6 when not' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -l min-runs -d 'Each subtest must have so many results, else exit 7' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -l quick -d 'Leave the evidence that seals cover unread; compare results, checkpoint and plan only'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -l deny-warnings -d 'No warning may be there, else exit 7'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand verify" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -l quarantine -d 'Set a run such as `T0/00/1` aside, so that a resume makes it anew; may be given several times' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -s n -l dry-run -d 'Show what would be done, and do nothing; exit 4 when there is something to do'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -l drop-phantoms -d 'Forget entries of the checkpoint of which there is no result; a resume then makes those runs'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand repair" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand checkout" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand checkout" -l run -d 'The run, such as `T0/00/1`' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand checkout" -l to -d 'Where the tree is made: a folder that is not there yet, or is empty' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand checkout" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand checkout" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand checkout" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand checkout" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand checkout" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand export" -l results-dir -d 'Where it is looked for by a part of its name, or as the newest one [default: where `run` puts experiments]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand export" -l format -d 'Which of the original\'s formats' -r -f -a "scylla-3.1\t'Checkpoint 3.1, runs in `completed/`: since March 2026'
scylla-2.0\t'Checkpoint 2.0, tiers in the experiment\'s own folder: January 2026'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand export" -l to -d 'Where it is written: a folder that is not there yet, or is empty' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand export" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand export" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand export" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand export" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand export" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -f -a "check" -d 'Report every mistake of a fixture at once, with file and line'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -f -a "new" -d 'Write a commented fixture that works as it stands'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -f -a "list" -d 'List the fixtures in a folder, with their mistakes'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and not __fish_seen_subcommand_from check new list help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -l repeat -d 'Do so N times each, and name what is not the same each time' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -l shared-dir -d 'The folder of subtests and resources that fixtures share [default: `shared` in the fixture, else the nearest `claude-code/shared`]' -r -F
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -l agent-command -d 'Shell line of the agent, for subtests that name none. A `run` keeps it in the experiment, for each resume' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -l judge-command -d 'Shell line of a judge, in place of the fixture\'s panel; may be given several times. A `run` keeps it too' -r
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -l run -d 'Run checks and judges too, on the untouched tree and on the solution; judges may cost money'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from new" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from new" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from new" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from new" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from new" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from list" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from list" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from list" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from help" -f -a "check" -d 'Report every mistake of a fixture at once, with file and line'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from help" -f -a "new" -d 'Write a commented fixture that works as it stands'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the fixtures in a folder, with their mistakes'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand fixture; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand completions" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand completions" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand completions" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand completions" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand man" -l message-format -d 'Form of events and results; JSON goes to standard output' -r -f -a "human\t'For people: bars on a terminal, lines elsewhere'
json\t'For programs: one JSON object per event'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand man" -l color -d 'When to use color' -r -f -a "auto\t'On a terminal, unless `NO_COLOR` is set'
always\t'Always'
never\t'Never'"
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand man" -s v -l verbose -d 'Say more: each stage of each run too'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand man" -s q -l quiet -d 'Say only what went wrong, and how to go on'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "run" -d 'Start an experiment, or go on with the unfinished one of the same fixture'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "resume" -d 'Go on with an experiment, from its folder alone'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "extend" -d 'Add runs, tiers or subtests to an experiment, and make them'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "rerun" -d 'Make runs again that are named; their former attempts are kept'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "regrade" -d 'Grade again what agents have done, by a mended rubric, criteria, checks or judges'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "status" -d 'Show where an experiment stands, also while it runs'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "verify" -d 'Check that results, checkpoint and plan agree; writes nothing'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "repair" -d 'Mend what `verify` finds; deletes nothing and invents nothing'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "checkout" -d 'Rebuild the tree of a run as it was graded'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "export" -d 'Write an experiment anew in the form of ProjectScylla\'s runner'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "fixture" -d 'Check, make or list fixtures'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "completions" -d 'Print completions of `cargo-scylla` and `cargo scylla` for a shell'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "man" -d 'Print the manual page of `cargo-scylla`'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and not __fish_seen_subcommand_from run resume extend rerun regrade status verify repair checkout export fixture completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and __fish_seen_subcommand_from fixture" -f -a "check" -d 'Report every mistake of a fixture at once, with file and line'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and __fish_seen_subcommand_from fixture" -f -a "new" -d 'Write a commented fixture that works as it stands'
complete -c cargo-scylla -n "__fish_cargo_scylla_using_subcommand help; and __fish_seen_subcommand_from fixture" -f -a "list" -d 'List the fixtures in a folder, with their mistakes'

# `cargo scylla …` is completed as `cargo-scylla …`; all else is for cargo's own completion.
function __fish_cargo_scylla_below_cargo
    set -l words (commandline -opc)
    set -q words[2]; and test "$words[2]" = scylla
end
function __fish_cargo_scylla_of_cargo
    set -l words (commandline -opc)
    complete -C (string join ' ' -- cargo-scylla (string escape -- $words[3..-1]) (commandline -ct))
end
complete -c cargo -n __fish_cargo_scylla_below_cargo -f -a '(__fish_cargo_scylla_of_cargo)'
