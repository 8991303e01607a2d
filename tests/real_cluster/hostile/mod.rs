//! What a hostile repository, neighbour or clock tries on a real cluster, and what becomes of it: one kind of threat a
//! file.

/// Records of a change that nobody was making.
mod forged_records;
/// Objects that are another service's, taken, pruned or looked at.
mod objects_of_others;
/// Names, labels and annotations by which nprt keeps its own state.
mod reserved_names;
/// Replicas whose time of day is wrong.
mod wrong_clocks;
