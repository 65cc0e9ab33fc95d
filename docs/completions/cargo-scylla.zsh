#compdef cargo-scylla

autoload -U is-at-least

_cargo-scylla() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_cargo-scylla_commands" \
"*::: :->cargo scylla" \
&& ret=0
    case $state in
    (cargo scylla)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:cargo-scylla-command-$line[1]:"
        case $line[1] in
            (run)
_arguments "${_arguments_options[@]}" : \
'()--tiers-dir=[The fixture; the spelling of ProjectScylla]:DIR:_files' \
'--results-dir=[Where experiments lie \[default\: \`scylla-results\` at the root of the workspace, or in the current folder outside of one\]]:DIR:_files' \
'*--tiers=[Tiers to run, such as \`T0,T1\` \[default\: all of the fixture\]]:TIERS:_default' \
'--runs=[How many runs of each subtest the experiment has \[default\: 10\]]:N:_default' \
'--max-subtests=[Take only the first N subtests of each tier]:N:_default' \
'--price-per-run=[What a run is expected to cost, in US dollars, for the estimate of \`--dry-run\`]:USD:_default' \
'--shared-dir=[The folder of subtests and resources that fixtures share \[default\: \`shared\` in the fixture, else the nearest \`claude-code/shared\`\]]:DIR:_files' \
'--agent-command=[Shell line of the agent, for subtests that name none. A \`run\` keeps it in the experiment, for each resume]:LINE:_default' \
'*--judge-command=[Shell line of a judge, in place of the fixture'\''s panel; may be given several times. A \`run\` keeps it too]:LINE:_default' \
'--model=[Model that agents are told to use, as \`\$SCYLLA_MODEL\`]:MODEL:_default' \
'*--judge-model=[Model that judges are told to use, in their request; the first one counts]:MODEL:_default' \
'--thinking=[How much agents are told to think, by a word before the prompt \[default\: None\]]:MODE:(None Low High UltraThink)' \
'--timeout=[How long an agent may work, such as \`600\` (seconds), \`10m\` or \`1h30m\`; then what is there is graded \[default\: the fixture'\''s, else 1h\]]:TIME:_default' \
'--inherit=[What subtests take over from the winners of earlier tiers \[default\: as-declared\]]:HOW:(none previous-best as-declared)' \
'-j+[Runs in flight at once \[default\: the number of cores\]]:N:_default' \
'--jobs=[Runs in flight at once \[default\: the number of cores\]]:N:_default' \
'--attempts=[How often a run is tried in one session when infrastructure fails \[default\: 3\]]:N:_default' \
'--max-cost-usd=[Ceiling of the cost in US dollars; every attempt and judge counts]:USD:_default' \
'--keep-workspaces=[Which workspaces stay after their run is committed \[default\: none\]]:WHICH:(none failed all)' \
'--containment=[How the processes of a run are held together, so that none outlives it \[default\: auto\]]:HOW:(auto bubblewrap cgroup walk)' \
'--work-dir=[Where agents, checks and judges work, outside of every project \[default\: /var/tmp\]]:DIR:_default' \
'--by=[What the table of results has a row for \[default\: each setup; above 30 setups each tier\]]:ROWS:((subtest\:"Each setup"
tier\:"Each tier"))' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--fresh[Start a new experiment even if there is one of this fixture]' \
'-n[Show the whole plan and what each subtest composes; start and write nothing]' \
'--dry-run[Show the whole plan and what each subtest composes; start and write nothing]' \
'--ignore-rate-limit[Ask at once, although a provider named a later time when it was asked last]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::fixture -- The fixture\: a folder with `test.yaml` \[default\: `tiers-dir` of the settings\]:_files' \
&& ret=0
;;
(resume)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'--tiers-dir=[The fixture from which missing runs are made \[default\: the folder of its prompt, from the current one\]]:DIR:_files' \
'--shared-dir=[The folder of subtests and resources that fixtures share \[default\: \`shared\` in the fixture, else the nearest \`claude-code/shared\`\]]:DIR:_files' \
'--agent-command=[Shell line of the agent, for subtests that name none. A \`run\` keeps it in the experiment, for each resume]:LINE:_default' \
'*--judge-command=[Shell line of a judge, in place of the fixture'\''s panel; may be given several times. A \`run\` keeps it too]:LINE:_default' \
'--model=[Model that agents are told to use, as \`\$SCYLLA_MODEL\`]:MODEL:_default' \
'*--judge-model=[Model that judges are told to use, in their request; the first one counts]:MODEL:_default' \
'--thinking=[How much agents are told to think, by a word before the prompt \[default\: as saved\]]:MODE:(None Low High UltraThink)' \
'--timeout=[How long an agent may work, such as \`600\` (seconds), \`10m\` or \`1h30m\`; then what is there is graded \[default\: as saved\]]:TIME:_default' \
'--inherit=[What subtests take over from the winners of earlier tiers \[default\: as saved\]]:HOW:(none previous-best as-declared)' \
'-j+[Runs in flight at once \[default\: as saved\]]:N:_default' \
'--jobs=[Runs in flight at once \[default\: as saved\]]:N:_default' \
'--attempts=[How often a run is tried in one session when infrastructure fails \[default\: as saved\]]:N:_default' \
'--max-cost-usd=[Ceiling of the cost in US dollars; every attempt and judge counts]:USD:_default' \
'--keep-workspaces=[Which workspaces stay after their run is committed \[default\: as saved\]]:WHICH:(none failed all)' \
'--containment=[How the processes of a run are held together, so that none outlives it \[default\: as saved\]]:HOW:(auto bubblewrap cgroup walk)' \
'--work-dir=[Where agents, checks and judges work, outside of every project \[default\: as saved\]]:DIR:_default' \
'--by=[What the table of results has a row for \[default\: each setup; above 30 setups each tier\]]:ROWS:((subtest\:"Each setup"
tier\:"Each tier"))' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--redo-unjudged[Make runs anew whose agent is done and whose judges are not\: their agents are paid again]' \
'--ignore-rate-limit[Ask at once, although a provider named a later time when it was asked last]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(extend)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'--runs=[How many runs each subtest has from now on, those that are there included]:N:_default' \
'*--tiers=[Tiers of the fixture to add, such as \`T2,T3\`]:TIERS:_default' \
'--max-subtests=[Take the first N subtests of each tier from now on]:N:_default' \
'-j+[Runs in flight at once \[default\: as saved\]]:N:_default' \
'--jobs=[Runs in flight at once \[default\: as saved\]]:N:_default' \
'--attempts=[How often a run is tried in one session when infrastructure fails \[default\: as saved\]]:N:_default' \
'--max-cost-usd=[Ceiling of the cost in US dollars; every attempt and judge counts]:USD:_default' \
'--keep-workspaces=[Which workspaces stay after their run is committed \[default\: as saved\]]:WHICH:(none failed all)' \
'--containment=[How the processes of a run are held together, so that none outlives it \[default\: as saved\]]:HOW:(auto bubblewrap cgroup walk)' \
'--work-dir=[Where agents, checks and judges work, outside of every project \[default\: as saved\]]:DIR:_default' \
'--by=[What the table of results has a row for \[default\: each setup; above 30 setups each tier\]]:ROWS:((subtest\:"Each setup"
tier\:"Each tier"))' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--plan-only[Record the growth and start nothing; \`resume\` makes the runs]' \
'--ignore-rate-limit[Ask at once, although a provider named a later time when it was asked last]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(rerun)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'*--run=[A run to make again, such as \`T0/00/1\`, whatever it holds; may be given several times]:RUN:_default' \
'-j+[Runs in flight at once \[default\: as saved\]]:N:_default' \
'--jobs=[Runs in flight at once \[default\: as saved\]]:N:_default' \
'--attempts=[How often a run is tried in one session when infrastructure fails \[default\: as saved\]]:N:_default' \
'--max-cost-usd=[Ceiling of the cost in US dollars; every attempt and judge counts]:USD:_default' \
'--keep-workspaces=[Which workspaces stay after their run is committed \[default\: as saved\]]:WHICH:(none failed all)' \
'--containment=[How the processes of a run are held together, so that none outlives it \[default\: as saved\]]:HOW:(auto bubblewrap cgroup walk)' \
'--work-dir=[Where agents, checks and judges work, outside of every project \[default\: as saved\]]:DIR:_default' \
'--by=[What the table of results has a row for \[default\: each setup; above 30 setups each tier\]]:ROWS:((subtest\:"Each setup"
tier\:"Each tier"))' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--errored[Make every run again that is missing because infrastructure failed; agents that are done are not asked again]' \
'--ignore-rate-limit[Ask at once, although a provider named a later time when it was asked last]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(regrade)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'--from=[The mended fixture \[default\: \`tiers-dir\` of the settings, when it is the experiment'\''s\]]:FIXTURE:_files' \
'*--run=[A run to grade, such as \`T0/00/1\`; may be given several times \[default\: every run whose agent is done\]]:RUN:_default' \
'--reason=[Why, in a sentence that is kept with the grading]:TEXT:_default' \
'-j+[Runs in flight at once \[default\: as saved\]]:N:_default' \
'--jobs=[Runs in flight at once \[default\: as saved\]]:N:_default' \
'--attempts=[How often a run is tried in one session when infrastructure fails \[default\: as saved\]]:N:_default' \
'--max-cost-usd=[Ceiling of the cost in US dollars; every attempt and judge counts]:USD:_default' \
'--keep-workspaces=[Which workspaces stay after their run is committed \[default\: as saved\]]:WHICH:(none failed all)' \
'--containment=[How the processes of a run are held together, so that none outlives it \[default\: as saved\]]:HOW:(auto bubblewrap cgroup walk)' \
'--work-dir=[Where agents, checks and judges work, outside of every project \[default\: as saved\]]:DIR:_default' \
'--by=[What the table of results has a row for \[default\: each setup; above 30 setups each tier\]]:ROWS:((subtest\:"Each setup"
tier\:"Each tier"))' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--ignore-rate-limit[Ask at once, although a provider named a later time when it was asked last]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(status)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'--by=[What the table of results has a row for \[default\: each setup; above 30 setups each tier\]]:ROWS:((subtest\:"Each setup"
tier\:"Each tier"))' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'-w[Show it again every two seconds, until no coordinator is at work on it]' \
'--watch[Show it again every two seconds, until no coordinator is at work on it]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'--format=[Form of the report \[with \`--message-format json\`\: json\]]:FORMAT:((human\:"For people"
json\:"One JSON document"
junit\:"\`JUnit\` XML\: a test for each planned run"
github\:"Annotations of GitHub Actions"
sarif\:"SARIF 2.1.0"))' \
'--max-missing=[So many planned runs may be missing\: exit 7 when there are more, 0 instead of 6 when not]:N:_default' \
'--min-runs=[Each subtest must have so many results, else exit 7]:N:_default' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--quick[Leave the evidence that seals cover unread; compare results, checkpoint and plan only]' \
'--deny-warnings[No warning may be there, else exit 7]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(repair)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'*--quarantine=[Set a run such as \`T0/00/1\` aside, so that a resume makes it anew; may be given several times]:RUN:_default' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'-n[Show what would be done, and do nothing; exit 4 when there is something to do]' \
'--dry-run[Show what would be done, and do nothing; exit 4 when there is something to do]' \
'--drop-phantoms[Forget entries of the checkpoint of which there is no result; a resume then makes those runs]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(checkout)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'--run=[The run, such as \`T0/00/1\`]:RUN:_default' \
'--to=[Where the tree is made\: a folder that is not there yet, or is empty]:PATH:_files' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
'--results-dir=[Where it is looked for by a part of its name, or as the newest one \[default\: where \`run\` puts experiments\]]:DIR:_files' \
'--format=[Which of the original'\''s formats]:FORMAT:((scylla-3.1\:"Checkpoint 3.1, runs in \`completed/\`\: since March 2026"
scylla-2.0\:"Checkpoint 2.0, tiers in the experiment'\''s own folder\: January 2026"))' \
'--to=[Where it is written\: a folder that is not there yet, or is empty]:PATH:_files' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The experiment\: its folder, a file in it, or a part of its name \[default\: the newest in the results folder\]:_files' \
&& ret=0
;;
(fixture)
_arguments "${_arguments_options[@]}" : \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
":: :_cargo-scylla__subcmd__fixture_commands" \
"*::: :->fixture" \
&& ret=0

    case $state in
    (fixture)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:cargo-scylla-fixture-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
'--repeat=[Do so N times each, and name what is not the same each time]:N:_default' \
'--shared-dir=[The folder of subtests and resources that fixtures share \[default\: \`shared\` in the fixture, else the nearest \`claude-code/shared\`\]]:DIR:_files' \
'--agent-command=[Shell line of the agent, for subtests that name none. A \`run\` keeps it in the experiment, for each resume]:LINE:_default' \
'*--judge-command=[Shell line of a judge, in place of the fixture'\''s panel; may be given several times. A \`run\` keeps it too]:LINE:_default' \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'--run[Run checks and judges too, on the untouched tree and on the solution; judges may cost money]' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':dir -- The fixture'\''s folder, or a folder that holds fixtures:_files' \
&& ret=0
;;
(new)
_arguments "${_arguments_options[@]}" : \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':dir -- The folder to make; its name becomes the fixture'\''s id:_files' \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'::dir -- The folder \[default\: the folder in which `tiers-dir` of the settings lies, else the current one\]:_files' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_cargo-scylla__subcmd__fixture__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:cargo-scylla-fixture-help-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(new)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
':shell -- The shell:(bash elvish fish powershell zsh)' \
&& ret=0
;;
(man)
_arguments "${_arguments_options[@]}" : \
'--message-format=[Form of events and results; JSON goes to standard output]:FORMAT:((human\:"For people\: bars on a terminal, lines elsewhere"
json\:"For programs\: one JSON object per event"))' \
'--color=[When to use color]:WHEN:((auto\:"On a terminal, unless \`NO_COLOR\` is set"
always\:"Always"
never\:"Never"))' \
'(-q --quiet)-v[Say more\: each stage of each run too]' \
'(-q --quiet)--verbose[Say more\: each stage of each run too]' \
'-q[Say only what went wrong, and how to go on]' \
'--quiet[Say only what went wrong, and how to go on]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_cargo-scylla__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:cargo-scylla-help-command-$line[1]:"
        case $line[1] in
            (run)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(resume)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(extend)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(rerun)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(regrade)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(status)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(repair)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(checkout)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(fixture)
_arguments "${_arguments_options[@]}" : \
":: :_cargo-scylla__subcmd__help__subcmd__fixture_commands" \
"*::: :->fixture" \
&& ret=0

    case $state in
    (fixture)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:cargo-scylla-help-fixture-command-$line[1]:"
        case $line[1] in
            (check)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(new)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(list)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
(completions)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(man)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_cargo-scylla_commands] )) ||
_cargo-scylla_commands() {
    local commands; commands=(
'run:Start an experiment, or go on with the unfinished one of the same fixture' \
'resume:Go on with an experiment, from its folder alone' \
'extend:Add runs, tiers or subtests to an experiment, and make them' \
'rerun:Make runs again that are named; their former attempts are kept' \
'regrade:Grade again what agents have done, by a mended rubric, criteria, checks or judges' \
'status:Show where an experiment stands, also while it runs' \
'verify:Check that results, checkpoint and plan agree; writes nothing' \
'repair:Mend what \`verify\` finds; deletes nothing and invents nothing' \
'checkout:Rebuild the tree of a run as it was graded' \
'export:Write an experiment anew in the form of ProjectScylla'\''s runner' \
'fixture:Check, make or list fixtures' \
'completions:Print completions of \`cargo-scylla\` and \`cargo scylla\` for a shell' \
'man:Print the manual page of \`cargo-scylla\`' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'cargo-scylla commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__checkout_commands] )) ||
_cargo-scylla__subcmd__checkout_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla checkout commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__completions_commands] )) ||
_cargo-scylla__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla completions commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__export_commands] )) ||
_cargo-scylla__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla export commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__extend_commands] )) ||
_cargo-scylla__subcmd__extend_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla extend commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture_commands] )) ||
_cargo-scylla__subcmd__fixture_commands() {
    local commands; commands=(
'check:Report every mistake of a fixture at once, with file and line' \
'new:Write a commented fixture that works as it stands' \
'list:List the fixtures in a folder, with their mistakes' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'cargo-scylla fixture commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture__subcmd__check_commands] )) ||
_cargo-scylla__subcmd__fixture__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla fixture check commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture__subcmd__help_commands] )) ||
_cargo-scylla__subcmd__fixture__subcmd__help_commands() {
    local commands; commands=(
'check:Report every mistake of a fixture at once, with file and line' \
'new:Write a commented fixture that works as it stands' \
'list:List the fixtures in a folder, with their mistakes' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'cargo-scylla fixture help commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture__subcmd__help__subcmd__check_commands] )) ||
_cargo-scylla__subcmd__fixture__subcmd__help__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla fixture help check commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture__subcmd__help__subcmd__help_commands] )) ||
_cargo-scylla__subcmd__fixture__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla fixture help help commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture__subcmd__help__subcmd__list_commands] )) ||
_cargo-scylla__subcmd__fixture__subcmd__help__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla fixture help list commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture__subcmd__help__subcmd__new_commands] )) ||
_cargo-scylla__subcmd__fixture__subcmd__help__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla fixture help new commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture__subcmd__list_commands] )) ||
_cargo-scylla__subcmd__fixture__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla fixture list commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__fixture__subcmd__new_commands] )) ||
_cargo-scylla__subcmd__fixture__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla fixture new commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help_commands] )) ||
_cargo-scylla__subcmd__help_commands() {
    local commands; commands=(
'run:Start an experiment, or go on with the unfinished one of the same fixture' \
'resume:Go on with an experiment, from its folder alone' \
'extend:Add runs, tiers or subtests to an experiment, and make them' \
'rerun:Make runs again that are named; their former attempts are kept' \
'regrade:Grade again what agents have done, by a mended rubric, criteria, checks or judges' \
'status:Show where an experiment stands, also while it runs' \
'verify:Check that results, checkpoint and plan agree; writes nothing' \
'repair:Mend what \`verify\` finds; deletes nothing and invents nothing' \
'checkout:Rebuild the tree of a run as it was graded' \
'export:Write an experiment anew in the form of ProjectScylla'\''s runner' \
'fixture:Check, make or list fixtures' \
'completions:Print completions of \`cargo-scylla\` and \`cargo scylla\` for a shell' \
'man:Print the manual page of \`cargo-scylla\`' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'cargo-scylla help commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__checkout_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__checkout_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help checkout commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__completions_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help completions commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__export_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help export commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__extend_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__extend_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help extend commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__fixture_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__fixture_commands() {
    local commands; commands=(
'check:Report every mistake of a fixture at once, with file and line' \
'new:Write a commented fixture that works as it stands' \
'list:List the fixtures in a folder, with their mistakes' \
    )
    _describe -t commands 'cargo-scylla help fixture commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__fixture__subcmd__check_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__fixture__subcmd__check_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help fixture check commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__fixture__subcmd__list_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__fixture__subcmd__list_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help fixture list commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__fixture__subcmd__new_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__fixture__subcmd__new_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help fixture new commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__help_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help help commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__man_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__man_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help man commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__regrade_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__regrade_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help regrade commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__repair_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__repair_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help repair commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__rerun_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__rerun_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help rerun commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__resume_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__resume_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help resume commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__run_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help run commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__status_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help status commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__help__subcmd__verify_commands] )) ||
_cargo-scylla__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla help verify commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__man_commands] )) ||
_cargo-scylla__subcmd__man_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla man commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__regrade_commands] )) ||
_cargo-scylla__subcmd__regrade_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla regrade commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__repair_commands] )) ||
_cargo-scylla__subcmd__repair_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla repair commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__rerun_commands] )) ||
_cargo-scylla__subcmd__rerun_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla rerun commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__resume_commands] )) ||
_cargo-scylla__subcmd__resume_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla resume commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__run_commands] )) ||
_cargo-scylla__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla run commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__status_commands] )) ||
_cargo-scylla__subcmd__status_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla status commands' commands "$@"
}
(( $+functions[_cargo-scylla__subcmd__verify_commands] )) ||
_cargo-scylla__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'cargo-scylla verify commands' commands "$@"
}

if [ "$funcstack[1]" = "_cargo-scylla" ]; then
    _cargo-scylla "$@"
else
    compdef _cargo-scylla cargo-scylla
fi

# `cargo scylla …` is completed as `cargo-scylla …`; all else is for cargo's own completion.
if [ "$funcstack[1]" != "_cargo-scylla" ]; then
    [[ "${_comps[cargo]}" == _cargo_scylla_below_cargo ]] || typeset -g _cargo_scylla_of_cargo="${_comps[cargo]}"
    _cargo_scylla_below_cargo() {
        local at=2
        [[ "$words[2]" == +* ]] && at=3
        if (( CURRENT > at )) && [[ "$words[$at]" == scylla ]]; then
            words=(cargo-scylla "${(@)words[$((at + 1)),-1]}")
            (( CURRENT -= at - 1 ))
            _cargo-scylla
        elif [[ -n "$_cargo_scylla_of_cargo" ]]; then
            "$_cargo_scylla_of_cargo" "$@"
        else
            _default
        fi
    }
    compdef _cargo_scylla_below_cargo cargo
fi
