"""The mouths: one message for people, told in Slack and by SNS; rendering is pure, sending is not."""
