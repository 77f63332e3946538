package text

// categories are the rows of the table of S3, as they stand in a list of what is
// shown: the fields by their names on the wire, and what is no field.
var categories = map[string]*phrase{
	"state":           {"whether you are available", "ob Sie verfügbar sind"},
	"activity":        {"what you are doing", "was Sie tun"},
	"interrupt":       {"that they may interrupt you", "dass man Sie stören darf"},
	"capabilities":    {"what your address can do", "was Ihre Adresse kann"},
	"name":            {"your name", "Ihr Name"},
	"email":           {"your e-mail address", "Ihre E-Mail-Adresse"},
	"title":           {"your job title", "Ihre Position"},
	"company":         {"your company", "Ihre Firma"},
	"photo":           {"your photo", "Ihr Foto"},
	"office":          {"your office", "Ihr Büro"},
	"workPhone":       {"your work phone", "Ihr Diensttelefon"},
	"mobilePhone":     {"your mobile phone", "Ihr Mobiltelefon"},
	"homePhone":       {"your phone at home", "Ihr privates Telefon"},
	"otherPhone":      {"your other phone", "Ihr weiteres Telefon"},
	"location":        {"where you are", "wo Sie sind"},
	"timezone":        {"your time zone", "Ihre Zeitzone"},
	"workingHours":    {"your working hours", "Ihre Arbeitszeiten"},
	"freeBusy":        {"your free and busy times", "Ihre freien und belegten Zeiten"},
	"device":          {"your kind of device", "die Art Ihres Geräts"},
	"notePersonal":    {"your note", "Ihre Notiz"},
	"noteOOF":         {"your out-of-office note", "Ihre Abwesenheitsnotiz"},
	"meetingSubject":  {"the subject of your meeting", "das Thema Ihrer Besprechung"},
	"meetingLocation": {"the place of your meeting", "der Ort Ihrer Besprechung"},
	"lastActive":      {"when you were last active", "wann Sie zuletzt aktiv waren"},
}

// Category returns how people are told of a category with that name; a name that
// is none is returned itself.
func Category(lang, name string) string {
	if p := categories[name]; p != nil {
		return p.in(lang)
	}
	return name
}
