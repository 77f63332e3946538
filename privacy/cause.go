package privacy

// The vetoes by name, in the order of S8.
const (
	VetoWall        = "wall"
	VetoFailClosed  = "fail-closed"
	VetoServerBlock = "server-block"
	VetoPrivacyList = "privacy-list"
	VetoActiveList  = "active-list"
)

// Cause tells what a veto found, for the words people read; its result says the
// same to an operator.
type Cause uint8

// What a veto finds. All but Passed hide the owner from the watcher.
const (
	Passed     Cause = iota
	Denied           // the watcher is named, or his domain is
	DeniedAll        // the list hides her from everybody who looks through the component
	Suspected        // a list that hides her from everybody may be active (S8.3)
	NotLoaded        // nothing was read yet (S8.5)
	Unreadable       // reading failed
	Stale            // reading has failed for too long
	Malformed        // something that was read cannot be obeyed as a whole
	NoRoster         // only the roster could tell, and it cannot be read (S2.6)
)

// CellCause tells why a category is shown or not.
type CellCause uint8

// Why a category is shown or not.
const (
	CellShown      CellCause = iota
	CellWidened              // as CellShown, because she says so in place of the table
	CellOwn                  // she says that it is not shown here
	CellOperator             // the operator says so
	CellLevel                // the matrix does not grant it to this container
	CellOffline              // nothing is told of somebody who looks offline
	CellPhoto                // the operator's photo policy, or there is none
	CellActiveOff            // the operator has last activity off
	CellAwake                // last activity is told of somebody idle or away only (S9)
	CellDisturbing           // she asks not to be disturbed, or cannot be (S7)
	CellEmpty                // granted, and there is nothing
)
