// Package readable makes random texts that people can read out and type: none of their characters is easily misread for
// another. What such a text is for, and whether it is secret, is its user's business.
package readable

import "crypto/rand"

// Alphabet is what the texts are made of.
const Alphabet = "23456789ABCDEFGHJKMNPQRSTVWXYZ"

// Text makes a text of so many characters, each with as much chance as the others: 4.9 bits.
func Text(length int) string {
	text := make([]byte, 0, length)
	var random [32]byte
	for len(text) < length {
		_, _ = rand.Read(random[:]) // never fails (crypto/rand)
		for _, b := range random {
			// 240 is the largest multiple of the alphabet's size: taking the rest too would favour its first letters.
			if b < 240 && len(text) < length {
				text = append(text, Alphabet[int(b)%len(Alphabet)])
			}
		}
	}
	return string(text)
}
