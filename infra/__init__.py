"""Infrastructure: the embedded stack (local) and the deployment descriptions."""
