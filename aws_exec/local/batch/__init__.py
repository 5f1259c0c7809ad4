"""The emulator's AWS Batch."""
