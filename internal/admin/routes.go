package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"presenced/internal/answer"
	"presenced/internal/engine"
	"presenced/internal/explain"
	"presenced/internal/presence"
	"presenced/internal/text"
)

// operatorOf is who stands behind the socket.
func operatorOf(ctx context.Context) engine.Principal {
	who := engine.Principal{Operator: true, Way: engine.WayAdmin, UID: engine.NoUID}
	if uid, ok := ctx.Value(peerKey{}).(uint32); ok {
		who.UID = uid
	}
	return who
}

// statusPath is where the daemon tells how it is.
const statusPath = "/v1/admin/status"

// handler is the table of routes. A user stands percent-encoded in one segment
// of the path.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/admin/users", s.getUsers)
	mux.HandleFunc("GET /v1/admin/users/{jid}", s.getUser)
	mux.HandleFunc("DELETE /v1/admin/users/{jid}", s.change(engine.Erase{}))
	mux.HandleFunc("POST /v1/admin/users/{jid}/enable", s.change(engine.Enable{}))
	mux.HandleFunc("POST /v1/admin/users/{jid}/disable", s.change(engine.Disable{}))
	mux.HandleFunc("GET /v1/admin/users/{jid}/presence", s.getPresence)
	mux.HandleFunc("GET /v1/admin/users/{jid}/explain", s.getExplanation)
	s.policyRoutes(mux)
	mux.HandleFunc("GET /v1/admin/"+rawPath, s.getRaw)
	mux.HandleFunc("GET /v1/admin/export", s.getExport)
	mux.HandleFunc("POST "+importPath, s.postImport)
	s.tokenRoutes(mux)
	s.badgeRoutes(mux)
	s.auditRoutes(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, r, problem(http.StatusNotFound, "there is nothing of that name; is the program older or newer than the daemon?"))
	})
	outer := http.NewServeMux()
	outer.HandleFunc("GET "+statusPath, s.getStatus)
	outer.Handle("/", s.loaded(mux))
	return s.logged(outer)
}

// loaded refuses what needs the settings until they are there.
func (s *Server) loaded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.o.Ready() {
			s.refuse(w, r, problem(http.StatusServiceUnavailable, "the settings are not loaded yet; \"presenced check\" says what is waited for"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func write(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(v) // a client that left is no fault of ours
}

func (s *Server) getStatus(w http.ResponseWriter, r *http.Request) {
	st := s.o.Status()
	var users []engine.UserSummary
	if s.o.Ready() {
		var err error
		if users, err = s.o.Door.Users(r.Context(), operatorOf(r.Context())); err != nil {
			s.refuse(w, r, err)
			return
		}
	}
	st.Users.Known = len(users)
	for _, u := range users {
		if u.Enabled {
			st.Users.Enabled++
		}
		if u.Enabled && u.Online {
			st.Users.Online++
		}
	}
	if st.Reasons == nil {
		st.Reasons = []Reason{}
	}
	write(w, st)
}

// UserList is the answer to a listing, in the order of the addresses.
type UserList struct {
	Users []engine.UserSummary `json:"users"`
}

func (s *Server) getUsers(w http.ResponseWriter, r *http.Request) {
	users, err := s.o.Door.Users(r.Context(), operatorOf(r.Context()))
	s.tell(r.Context(), engine.Deed{What: "list"}, err)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	slices.SortFunc(users, func(a, b engine.UserSummary) int { return strings.Compare(a.User, b.User) })
	if users == nil {
		users = []engine.UserSummary{}
	}
	write(w, UserList{users})
}

func (s *Server) getUser(w http.ResponseWriter, r *http.Request) {
	user, ok := s.user(w, r)
	if !ok {
		return
	}
	found, err := s.o.Door.Inspect(r.Context(), operatorOf(r.Context()), user.Addr)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	write(w, found)
}

// Done is the answer to a change.
type Done struct {
	Advice []engine.Advice `json:"advice"`
}

// change answers a request that makes one fixed change to a user.
func (s *Server) change(c engine.Change) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, ok := s.user(w, r)
		if !ok {
			return
		}
		result, err := s.o.Door.Apply(r.Context(), operatorOf(r.Context()), user, c)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		write(w, Done{append([]engine.Advice{}, result.Advice...)})
	}
}

// getPresence shows the user as the one named by "as" sees her; without, as she
// sees herself.
func (s *Server) getPresence(w http.ResponseWriter, r *http.Request) {
	user, ok := s.user(w, r)
	if !ok {
		return
	}
	asker := operatorOf(r.Context())
	if as := r.URL.Query().Get("as"); as != "" {
		watcher, err := address("as", as)
		if err != nil {
			s.refuse(w, r, err)
			return
		}
		asker.Addr, asker.JID = watcher.Addr, watcher.Bare
	}
	views := s.o.Door.Look(r.Context(), asker, []presence.Addr{user.Addr})
	write(w, answer.Of(user.Bare, s.o.Language, &views[0]))
}

// Explanation is why somebody sees a user as he does, for programs, and in the
// words the user herself reads in the command "explain".
type Explanation struct {
	engine.Explained
	Words []string `json:"words"`
}

// getExplanation answers in the language of the parameter "lang"; without, in that
// of status texts.
func (s *Server) getExplanation(w http.ResponseWriter, r *http.Request) {
	user, ok := s.user(w, r)
	if !ok {
		return
	}
	watcher, err := address("watcher", r.URL.Query().Get("watcher"))
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	e, err := s.o.Door.Explain(r.Context(), operatorOf(r.Context()), user.Addr, watcher.Addr)
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	lang := text.Match(r.URL.Query().Get("lang"), s.o.Language)
	write(w, Explanation{e, explain.Why(lang, &e, s.o.Level)})
}

// user reads the user of the path; ok is false when the request was answered.
func (s *Server) user(w http.ResponseWriter, r *http.Request) (presence.JID, bool) {
	j, err := userAddress("jid", r.PathValue("jid"))
	if err != nil {
		s.refuse(w, r, err)
		return j, false
	}
	return j, true
}

// userAddress is address for one that only a user can have.
func userAddress(field, written string) (presence.JID, error) {
	j, err := address(field, written)
	if err == nil && j.Addr.Local() == "" {
		p := problem(http.StatusBadRequest, field+": "+j.Bare+" is a host, not a user; write an address such as alice@example.org")
		p.Field = field
		return j, p
	}
	return j, err
}

// address reads one address of a request; a resource is dropped, since rules
// and presence are per account.
func address(field, written string) (presence.JID, error) {
	j, err := presence.ParseJID(written)
	if err != nil {
		p := problem(http.StatusBadRequest, field+": "+err.Error()+"; write an address such as alice@example.org")
		p.Field = field
		return j, p
	}
	j.Resource = ""
	return j, nil
}
