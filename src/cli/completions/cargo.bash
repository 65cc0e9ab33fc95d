
# `cargo scylla …` is completed as `cargo-scylla …`; all else is for cargo's own completion.
if ! complete -p cargo >/dev/null 2>&1; then
    __load_completion cargo >/dev/null 2>&1 || _completion_loader cargo >/dev/null 2>&1
fi
_cargo_scylla_of_cargo=$(complete -p cargo 2>/dev/null | sed -n 's/.*-F \([^ ]*\) .*/\1/p')
[[ $_cargo_scylla_of_cargo == _cargo_scylla_below_cargo ]] && _cargo_scylla_of_cargo=

_cargo_scylla_below_cargo() {
    local at=1
    [[ ${COMP_WORDS[1]} == +* ]] && at=2
    if (( COMP_CWORD > at )) && [[ ${COMP_WORDS[at]} == scylla ]]; then
        COMP_WORDS=(cargo-scylla "${COMP_WORDS[@]:at+1}")
        (( COMP_CWORD -= at ))
        _cargo__scylla cargo-scylla "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
    elif [[ -n $_cargo_scylla_of_cargo ]]; then
        "$_cargo_scylla_of_cargo" "$@"
    elif (( COMP_CWORD == at )); then
        COMPREPLY=($(compgen -W "scylla" -- "${COMP_WORDS[COMP_CWORD]}"))
    fi
}
complete -F _cargo_scylla_below_cargo -o bashdefault -o default cargo
