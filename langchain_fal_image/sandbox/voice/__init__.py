"""Speech made of tones, and its transcription."""
