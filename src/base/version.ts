/** What this software calls itself in HELLO. A test compares the version with package.json. */
export const SOFTWARE = 'trunkline/0.1.0';
