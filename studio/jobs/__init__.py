"""Long work as generators of typed events. A job computes; the session applies what its events say."""
