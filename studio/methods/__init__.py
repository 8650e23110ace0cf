"""The papers, one module each, pure: build the prompt, parse the reply, judge, filter."""
