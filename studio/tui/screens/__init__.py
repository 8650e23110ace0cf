"""One screen a stage, and the dialogs."""
