"""Jobs of the Position stage: survey the segments, place them, put them back."""
