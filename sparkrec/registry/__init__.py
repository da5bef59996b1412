"""Model versions: where their arrays lie and which ones are current."""
