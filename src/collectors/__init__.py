"""The eyes: one file an AWS service, with its permissions, what it reads, and how that becomes evidence."""
