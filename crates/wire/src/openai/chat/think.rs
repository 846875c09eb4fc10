//! Local models that think aloud.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Leaves out what stands between `<think>` and `</think>`, wherever the pieces of the text are cut.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WithoutThinking {
    thinking: bool,
    held: String,
}

impl WithoutThinking {
    /// Takes a piece of text and gives what may be spoken of it. What might be the beginning of a tag is held back,
    /// at most 7 bytes.
    pub fn push(&mut self, piece: &str) -> String {
        self.held.push_str(piece);
        let mut spoken = String::new();
        loop {
            let tag = if self.thinking { CLOSE } else { OPEN };
            if let Some(at) = self.held.find(tag) {
                if !self.thinking {
                    spoken.push_str(&self.held[..at]);
                }
                self.held.drain(..at + tag.len());
                self.thinking = !self.thinking;
                continue;
            }
            let kept = (1..tag.len())
                .rev()
                .find(|length| self.held.ends_with(&tag[..*length]));
            let end = self.held.len() - kept.unwrap_or(0);
            let safe: String = self.held.drain(..end).collect();
            if !self.thinking {
                spoken.push_str(&safe);
            }
            return spoken;
        }
    }

    /// The text has ended: what was held back, unless the model was thinking.
    #[must_use]
    pub fn finish(self) -> String {
        if self.thinking {
            String::new()
        } else {
            self.held
        }
    }
}
