//! CHUM 8: how two peers bring each other's objects up to date.
