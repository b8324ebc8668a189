//! Words and variables of GRUB's script language. Pure; quotes, escapes and comments are GRUB's, what commands do is for the caller.

/// Longer is no path and no command line, and what grows by itself (`set a=$a$a`) ends there. In bytes.
pub const LONGEST_WORD: usize = 4096;
const MOST_VARIABLES: usize = 512;

/// The commands of a script, one after the other, with what its variables stand for.
pub struct Lexer<'a> {
    rest: &'a str,
    variables: Vec<(String, String)>,
}

impl<'a> Lexer<'a> {
    /// At the beginning of `text`.
    pub fn new(text: &'a str) -> Self {
        Lexer {
            rest: text,
            variables: Vec::new(),
        }
    }

    /// What a variable stands for from here on.
    pub fn set(&mut self, name: &str, value: &str) {
        let count = self.variables.len();
        let known = self.variables.iter_mut().find(|(own, _)| own == name);
        match known {
            // An empty one is what it has in the other branch.
            Some(_) if value.is_empty() => {}
            Some((_, own)) => *own = value.to_owned(),
            None if count < MOST_VARIABLES => {
                self.variables.push((name.to_owned(), value.to_owned()));
            }
            None => {}
        }
    }

    /// The last text, of those that are not empty, that a variable was set to.
    pub fn value(&self, name: &str) -> String {
        // Debian's scripts give the option its name by a variable, where this GRUB has it.
        if name == "menuentry_id_option" {
            return "--id".to_owned();
        }
        let found = self.variables.iter().find(|(own, _)| own == name);
        found.map(|(_, value)| value.clone()).unwrap_or_default()
    }

    /// The words of the next command, none at the end; an open brace is the last of its command, a closing one is a command.
    pub fn command(&mut self) -> Option<Vec<String>> {
        let mut words: Vec<String> = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t', '\r']);
            let Some(next) = self.rest.chars().next() else {
                return (!words.is_empty()).then_some(words);
            };
            match next {
                '\n' | ';' if words.is_empty() => self.rest = &self.rest[1..],
                '\n' | ';' => return Some(words),
                '#' => self.rest = self.rest.find('\n').map_or("", |end| &self.rest[end..]),
                '}' if words.is_empty() => {
                    self.rest = &self.rest[1..];
                    return Some(vec!["}".to_owned()]);
                }
                '{' => {
                    self.rest = &self.rest[1..];
                    words.push("{".to_owned());
                    return Some(words);
                }
                _ => words.push(self.word()),
            }
        }
    }

    fn word(&mut self) -> String {
        let mut word = String::new();
        let mut quoted = false;
        let mut rest = self.rest.chars();
        loop {
            let before = rest.as_str();
            let Some(next) = rest.next() else {
                break;
            };
            match next {
                '\'' if !quoted => {
                    let (literal, after) = rest
                        .as_str()
                        .split_once('\'')
                        .unwrap_or((rest.as_str(), ""));
                    word += literal;
                    rest = after.chars();
                }
                '"' => quoted = !quoted,
                '\\' => match rest.next() {
                    // A line that goes on in the next.
                    Some('\n') | None => {}
                    Some(kept) => word.push(kept),
                },
                '$' => {
                    let (value, after) = self.variable(rest.as_str());
                    word += &value;
                    rest = after.chars();
                }
                ' ' | '\t' | '\r' | '\n' | ';' if !quoted => {
                    rest = before.chars();
                    break;
                }
                other => word.push(other),
            }
        }
        let mut end = word.len().min(LONGEST_WORD);
        while !word.is_char_boundary(end) {
            end -= 1;
        }
        word.truncate(end);
        let left = rest.as_str().len();
        self.rest = &self.rest[self.rest.len() - left..];
        word
    }

    /// What stands behind `$`: its value, and what follows its name.
    fn variable<'t>(&self, text: &'t str) -> (String, &'t str) {
        if let Some((name, after)) = text.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            return (self.value(name), after);
        }
        let end = text
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(text.len());
        (self.value(&text[..end]), &text[end..])
    }
}
