"""The embedded model: its weights, its server, and the chat model over it."""
