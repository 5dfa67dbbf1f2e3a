namespace Distributed.Engine.Tokenizers;

/// <summary>A token matched in the text before anything else is done to it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Exact text.</param>
/// <param name="Normalized">Matched in the normalized text instead of the raw text.</param>
/// <param name="Special">Left out when ids are decoded without special tokens.</param>
internal sealed record AddedToken(int Id, string Content, bool Normalized, bool Special)
{
    /// <summary>Reads the added_tokens of a tokenizer.json.</summary>
    public static List<AddedToken> ReadAll(JsonPlace list)
    {
        var tokens = new List<AddedToken>();
        if (list.IsNull)
        {
            return tokens;
        }

        foreach (var item in list.Items())
        {
            foreach (var name in (ReadOnlySpan<string>)["single_word", "lstrip", "rstrip"])
            {
                if (item[name].Flag())
                {
                    throw item[name].Refuse("true is not supported; set it to false");
                }
            }

            var token = new AddedToken(item["id"].Id(), item["content"].Text(), item["normalized"].Flag(), item["special"].Flag());
            if (token.Content.Length == 0)
            {
                throw item["content"].Refuse("an added token cannot be empty; remove it");
            }

            tokens.Add(token);
        }

        return tokens;
    }
}
