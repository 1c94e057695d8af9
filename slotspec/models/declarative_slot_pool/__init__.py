"""The JobMaster's side of the declarative slot protocol."""
