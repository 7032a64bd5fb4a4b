package softphone

// PBX is the far side of a trunk: it places calls to the server and is called by it for the numbers behind it. What it
// does with a call is Config.OnCall; see ByNumber, and ForwardTo for numbers that come back to the server.
type PBX struct{ *endpoint }

// NewPBX opens a PBX. It does not register: the server knows it by its address.
func NewPBX(cfg Config) (*PBX, error) {
	e, err := newEndpoint(cfg)
	if err != nil {
		return nil, err
	}
	return &PBX{e}, nil
}

// Place calls the server. It returns when the INVITE is on its way; see Call.Wait.
func (p *PBX) Place(i Invite) (*Call, error) { return p.call(i) }
