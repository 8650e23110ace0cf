"""The engine that runs attempts at requests to chat models: lanes, and how a person steers them."""
