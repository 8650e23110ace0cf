"""Steps of the schema that are programs. They are frozen, so they import nothing that may change: what they need to
know of their time stands in them.
"""
