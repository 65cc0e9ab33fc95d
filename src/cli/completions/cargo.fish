
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
