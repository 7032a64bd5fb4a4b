package store

func runKillChild() {}
func runFullChild() {}
