//! Phase 6: identity exchange, key proofs and pairing, and the invitations that lead to it.
