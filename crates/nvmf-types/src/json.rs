//! JSON whose values know their lines (RFC 8259).
//!
//! What people write by hand needs errors with a place, also where the text is JSON and means
//! nothing; a data model without places cannot give them.

#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::Span;

/// A value and where it stands; of one that has several lines, its first character.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    pub(crate) span: Span,
    pub(crate) kind: Kind,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    /// As it is written.
    Number(String),
    Text(String),
    Array(Vec<Value>),
    /// In the order of the text; keys may repeat.
    Object(Vec<(String, Value)>),
}

/// Why a text is no JSON. It does not show the text, which may hold secrets.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{what}")]
pub(crate) struct SyntaxError {
    /// Counted from 1.
    pub(crate) line: usize,
    /// Counted from 1 in characters.
    pub(crate) column: usize,
    pub(crate) what: &'static str,
}

/// How deep arrays and objects may be nested.
const DEPTH: usize = 64;

/// Reads one value with nothing behind it; a byte order mark is tolerated.
pub(crate) fn parse(text: &str) -> Result<Value, SyntaxError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        column: 1,
    };
    let value = reader.value(0).and_then(|value| {
        reader.blanks();
        match reader.peek() {
            None => Ok(value),
            Some(_) => Err("something behind the end"),
        }
    });
    value.map_err(|what| reader.error(what))
}

struct Reader<'a> {
    text: &'a str,
    /// The next byte, at the start of a character.
    at: usize,
    line: usize,
    column: usize,
}

type Result<T, E = &'static str> = std::result::Result<T, E>;

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value> {
        self.blanks();
        let (line, column) = (self.line, self.column);
        let kind = match self.peek() {
            Some('{' | '[') if depth == DEPTH => Err("too deep a nesting"),
            Some('{') => self.object(depth + 1),
            Some('[') => self.array(depth + 1),
            Some('"') => self.text().map(Kind::Text),
            Some('-' | '0'..='9') => self.number().map(Kind::Number),
            Some('t') => self.word("true", Kind::Bool(true)),
            Some('f') => self.word("false", Kind::Bool(false)),
            Some('n') => self.word("null", Kind::Null),
            Some(_) => Err("no value"),
            None => Err("the end instead of a value"),
        };
        let length = match self.line == line {
            true => self.column - column,
            false => 1,
        };
        let span = Span {
            line,
            column,
            length,
        };
        kind.map(|kind| Value { span, kind })
    }

    fn object(&mut self, depth: usize) -> Result<Kind> {
        let mut members = Vec::new();
        self.next();
        self.blanks();
        if self.take('}') {
            return Ok(Kind::Object(members));
        }
        loop {
            self.blanks();
            if self.peek() != Some('"') {
                return Err("no `\"` to start a key");
            }
            let key = self.text()?;
            self.blanks();
            if !self.take(':') {
                return Err("no `:` behind a key");
            }
            members.push((key, self.value(depth)?));
            self.blanks();
            if self.take('}') {
                return Ok(Kind::Object(members));
            }
            if !self.take(',') {
                return Err("no `,` or `}` behind a value");
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Kind> {
        let mut values = Vec::new();
        self.next();
        self.blanks();
        if self.take(']') {
            return Ok(Kind::Array(values));
        }
        loop {
            values.push(self.value(depth)?);
            self.blanks();
            if self.take(']') {
                return Ok(Kind::Array(values));
            }
            if !self.take(',') {
                return Err("no `,` or `]` behind a value");
            }
        }
    }

    fn text(&mut self) -> Result<String> {
        let mut text = String::new();
        self.next();
        loop {
            match self.peek() {
                Some('"') => {
                    self.next();
                    return Ok(text);
                }
                Some('\\') => {
                    self.next();
                    text.push(self.escape()?);
                }
                Some('\0'..='\u{1f}') => return Err("a line end or control character in a string"),
                Some(c) => {
                    self.next();
                    text.push(c);
                }
                None => return Err("the end in a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let c = match self.next() {
            Some(c @ ('"' | '\\' | '/')) => c,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => return self.code_point(),
            _ => return Err("an unknown escape"),
        };
        Ok(c)
    }

    /// What follows `\u`; characters above U+FFFF are two of them.
    fn code_point(&mut self) -> Result<char> {
        const BAD: &str = "half a character as an escape";
        let mut code = self.hex()?;
        if (0xd800..0xdc00).contains(&code) {
            if !self.take('\\') || !self.take('u') {
                return Err(BAD);
            }
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(BAD);
            }
            code = 0x1_0000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or(BAD)
    }

    fn hex(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.next().and_then(|c| c.to_digit(16));
            code = code * 16 + digit.ok_or("no four hex digits behind `\\u`")?;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<String> {
        const BAD: &str = "a malformed number";
        let start = self.at;
        self.take('-');
        if !self.take('0') && self.digits() == 0 {
            return Err(BAD);
        }
        if self.take('.') && self.digits() == 0 {
            return Err(BAD);
        }
        if self.take('e') || self.take('E') {
            let _ = self.take('+') || self.take('-');
            if self.digits() == 0 {
                return Err(BAD);
            }
        }
        Ok(self.text.get(start..self.at).unwrap_or_default().to_owned())
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some('0'..='9')) {
            self.next();
        }
        self.at - start
    }

    fn word(&mut self, word: &str, kind: Kind) -> Result<Kind> {
        for c in word.chars() {
            if !self.take(c) {
                return Err("no value");
            }
        }
        Ok(kind)
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.next();
        }
    }

    fn peek(&self) -> Option<char> {
        self.text.get(self.at..)?.chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            (self.line, self.column) = (self.line + 1, 1);
        } else {
            self.column += 1;
        }
        Some(c)
    }

    fn take(&mut self, wanted: char) -> bool {
        let there = self.peek() == Some(wanted);
        if there {
            self.next();
        }
        there
    }

    fn error(&self, what: &'static str) -> SyntaxError {
        SyntaxError {
            line: self.line,
            column: self.column,
            what,
        }
    }
}
