
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
