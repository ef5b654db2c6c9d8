"""Landing to raw: a file becomes a batch."""
