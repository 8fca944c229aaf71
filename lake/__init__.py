"""What every room shares: session, zones, warehouse connections, settings, and the `lake` command."""
