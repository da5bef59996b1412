"""summary"""
def summary(lake, settings): return "done"
