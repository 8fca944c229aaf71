"""The parts of the embedded stack, one module each."""
