#!/usr/bin/env bash
# Stands before rustc for our own crates: with what libFuzzer needs to be guided. All of it is stable.
exec "$@" -Cpasses=sancov-module -Ccodegen-units=1 -Cdebug-assertions=on \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares
