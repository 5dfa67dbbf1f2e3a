using System.Text.Json;

namespace Distributed.Node.Models;

/// <summary>What a chat template is given: messages, tools and options, as transformers' apply_chat_template passes them.</summary>
internal static class Conversation
{
    private static readonly JsonElement Null = JsonDocument.Parse("null").RootElement.Clone();
    private static readonly JsonElement True = JsonDocument.Parse("true").RootElement.Clone();
    private static readonly JsonElement False = JsonDocument.Parse("false").RootElement.Clone();

    /// <summary>Reads a list of messages, or an object with messages, tools and further variables.</summary>
    /// <param name="source">A file, <c>-</c>, or the JSON itself.</param>
    /// <param name="asks">add_generation_prompt where the JSON does not say.</param>
    /// <exception cref="RefusedException">It is neither.</exception>
    public static Dictionary<string, JsonElement> Read(string source, bool asks)
    {
        using var document = JsonInput.Read(source);
        var root = document.RootElement;
        var variables = new Dictionary<string, JsonElement>(StringComparer.Ordinal) { ["tools"] = Null, ["documents"] = Null, ["add_generation_prompt"] = asks ? True : False };
        if (root.ValueKind == JsonValueKind.Array)
        {
            variables["messages"] = root.Clone();
            return variables;
        }

        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array)
            throw new RefusedException($"{(source.TrimStart() is ['[' or '{', ..] ? "the JSON given" : source)}: expected a list of messages, or an object with messages, tools and the template's options");
        foreach (var member in root.EnumerateObject())
            variables[member.Name] = member.Value.Clone();
        return variables;
    }

    /// <summary>Whether there are tools.</summary>
    public static bool HasTools(IReadOnlyDictionary<string, JsonElement> variables) => variables["tools"].ValueKind == JsonValueKind.Array && variables["tools"].GetArrayLength() > 0;
}
