"""Painted widgets: they get values and paint them, and say with messages what the person did."""
