#!/usr/bin/env bash
# Keeps one server for a test: `keep.sh DIR STOP COMMAND...` reads orders from standard input. `start` starts COMMAND, with its
# output in DIR/log, and answers with its process id. When the input ends, however the test ended, the server is stopped by the
# signal STOP, killed if that takes longer than 5 s, and DIR is removed.
dir=$1 stop=$2
shift 2
# The signals of a terminal and of an impatient runner are for the test; its end is told by the pipe.
trap '' INT TERM HUP

alive() { [[ -n ${pid:-} ]] && kill -0 "$pid" 2>/dev/null; }

while read -r order; do
    [[ $order == start ]] || continue
    [[ -z ${pid:-} ]] || wait "$pid" 2>/dev/null
    (trap - INT TERM HUP && exec "$@") >>"$dir/log" 2>&1 </dev/null &
    pid=$!
    echo "$pid"
done

if alive; then
    # Frozen, it would not hear the signal, nor would those that it has forked hear from it.
    read -r -a forked <"/proc/$pid/task/$pid/children"
    kill -CONT "$pid" "${forked[@]}" 2>/dev/null
    kill "-$stop" "$pid"
    for _ in {1..500}; do
        alive || break
        sleep 0.01
    done
    alive && kill -KILL "$pid"
    wait "$pid" 2>/dev/null
fi
rm -rf "$dir"
