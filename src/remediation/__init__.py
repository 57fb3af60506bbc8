"""The hand and its memory: what may be done to a deployment, and the ledger of what was planned and done."""
