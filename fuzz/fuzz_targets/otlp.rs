//! Gives `otlp` to libFuzzer.
#![cfg_attr(fuzzing, no_main)]

nprt_fuzz::target!(otlp);
