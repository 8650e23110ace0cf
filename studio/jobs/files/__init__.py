"""Jobs of files: import, check, export, and sending an export away."""
