using System.Buffers;

namespace Distributed.Engine.Tokenizers;

/// <summary>Finds added tokens in a text: the leftmost match, and of those that begin there the longest.</summary>
internal sealed class AddedTokenMatcher
{
    private readonly Node _root = new();
    private readonly SearchValues<char> _firstCharacters;

    /// <summary>Builds the matcher over (content, id) pairs; later ones win over earlier equal ones.</summary>
    public AddedTokenMatcher(IReadOnlyCollection<(string Content, int Id)> tokens)
    {
        foreach (var (content, id) in tokens)
        {
            var node = _root;
            foreach (var character in content)
            {
                node = node.GetOrAdd(character);
            }

            node.Id = id;
        }

        _firstCharacters = SearchValues.Create(tokens.Select(token => token.Content[0]).Distinct().ToArray());
        IsEmpty = tokens.Count == 0;
    }

    public bool IsEmpty { get; }

    /// <summary>The next match in the text.</summary>
    /// <param name="text">Where to look.</param>
    /// <param name="start">Where the match begins.</param>
    /// <param name="length">Its length in characters.</param>
    /// <param name="id">The id of the token found.</param>
    public bool TryFind(ReadOnlySpan<char> text, out int start, out int length, out int id)
    {
        for (start = 0; !IsEmpty && start < text.Length; start++)
        {
            var next = text[start..].IndexOfAny(_firstCharacters);
            if (next < 0)
            {
                break;
            }

            start += next;
            if (TryMatch(text[start..], out length, out id))
            {
                return true;
            }
        }

        (start, length, id) = (text.Length, 0, -1);
        return false;
    }

    private bool TryMatch(ReadOnlySpan<char> text, out int length, out int id)
    {
        (length, id) = (0, -1);
        var node = _root;
        for (var i = 0; i < text.Length; i++)
        {
            if (node.Find(text[i]) is not { } child)
            {
                break;
            }

            node = child;
            if (node.Id >= 0)
            {
                (length, id) = (i + 1, node.Id);
            }
        }

        return id >= 0;
    }

    private sealed class Node
    {
        private Dictionary<char, Node>? _children;

        public int Id { get; set; } = -1;

        public Node? Find(char character) => _children is not null && _children.TryGetValue(character, out var child) ? child : null;

        public Node GetOrAdd(char character)
        {
            _children ??= [];
            if (!_children.TryGetValue(character, out var child))
            {
                _children.Add(character, child = new Node());
            }

            return child;
        }
    }
}
