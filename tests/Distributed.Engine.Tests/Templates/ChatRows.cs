using System.Text.Json;

namespace Distributed.Engine.Tests.Templates;

/// <summary>Rows of the reference conversations.</summary>
internal static class ChatRows
{
    /// <summary>What a row gives to its template.</summary>
    public static IEnumerable<KeyValuePair<string, JsonElement>> Variables(JsonElement row) =>
    [
        KeyValuePair.Create("messages", row.GetProperty("messages")),
        KeyValuePair.Create("tools", row.GetProperty("tools")),
        .. Members(row, "special_tokens"),
        .. Members(row, "options"),
    ];

    private static IEnumerable<KeyValuePair<string, JsonElement>> Members(JsonElement row, string name) =>
        row.GetProperty(name).EnumerateObject().Select(member => KeyValuePair.Create(member.Name, member.Value));
}
