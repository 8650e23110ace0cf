"""The screens: one Textual app, one screen a stage, everything painted by few widgets."""
