"""Cross-cultivated and cross-inhabited areas of two localities: what is counted, and its handing over step by step."""
