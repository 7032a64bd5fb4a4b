//go:build !linux || !(amd64 || arm64)

package media

const roleVariable = "TELEFONIST_ROLE"

func playRole(string) int { return 1 }

func portsOfLoops(sockets) *ports { return nil }
