// Package outage holds the tests that disturb background work of every kind, at every exchange with the database: the worker is
// killed, stopped or frozen there, its connections are cut, what it works on is deleted. Each ends as an undisturbed run does.
// They find the exchanges by watching an undisturbed run, and the kinds in the program, so that what is added later is covered,
// or fails, without anybody remembering to write a case.
//
// What does not belong here: tests of what one kind of job does, which live beside it; anything that is not a test.
package outage
