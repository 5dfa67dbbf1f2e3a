namespace Distributed.Engine.Templates;

/// <summary>The tokens of a template, read from left to right, and how deep the reader is inside blocks and brackets.</summary>
internal sealed class TokenStream(string name, List<Token> tokens)
{
    private int _at;
    private int _depth;

    public Token Current => tokens[_at];

    public Token Following => tokens[Math.Min(_at + 1, tokens.Count - 1)];

    public Token Take() => tokens[_at < tokens.Count - 1 ? _at++ : _at];

    public bool TryTake(TokenKind kind, string text)
    {
        if (!Current.Is(kind, text))
            return false;
        Take();
        return true;
    }

    public Token Expect(TokenKind kind, string what) =>
        Current.Kind == kind ? Take() : throw Fail(Current, $"expected {what}, found {Current.Shown}");

    public Token ExpectOperator(string text) =>
        Current.Is(TokenKind.Operator, text) ? Take() : throw Fail(Current, $"expected '{text}', found {Current.Shown}");

    /// <summary>Reads something that may hold more of its kind.</summary>
    public T Deeper<T>(Func<T> read)
    {
        if (++_depth > TemplateLimits.DeepestSource)
            throw Fail(Current, $"more than {TemplateLimits.DeepestSource} blocks and brackets inside each other");
        var made = read();
        _depth--;
        return made;
    }

    public TemplateException Fail(Token token, string complaint) => new(name, token.Place, complaint);
}
