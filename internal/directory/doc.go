// Package directory reads the operator's directory of people ([directory] file):
// name, e-mail address, title, company, office, phones, photo and groups by JID.
//
// The file is CSV in UTF-8 with a header that names the columns, in any order:
//
//	jid,name,email,title,company,office,workPhone,mobilePhone,homePhone,otherPhone,photo,groups
//	alice@example.org,Alice Adams,alice@example.org,Auditor,Example Ltd,2.14,+49 30 1234,,,,photos/alice.jpg,Audit; Staff
//
// Only jid is needed; an empty cell says nothing. A photo is the path of a PNG,
// JPEG or GIF file of at most 30 KiB, seen from the directory file. Groups are the
// operator's, separated by semicolons: named policies are granted to them; they are
// shown to nobody. A line that begins with # is a comment.
//
// Guarantees:
//   - A Book never changes; a file with any mistake gives none, and the error
//     names each mistake with its line, column and remedy.
//   - Size, entries, lengths of values and photos are bounded before they are kept.
//   - A photo is shown only with the bytes that were checked when the file was read.
//
// It does not decide who sees what (package privacy), does not watch the file and
// knows no wire format.
package directory
