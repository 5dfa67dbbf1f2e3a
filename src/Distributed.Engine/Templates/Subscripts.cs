using System.Numerics;

namespace Distributed.Engine.Templates;

/// <summary>Members, items and slices of values. What is not there is undefined, not an error.</summary>
internal static class Subscripts
{
    public static object? Member(object? value, string name) => value switch
    {
        TemplateMap map when map.TryGet(name, out var member) => member,
        TemplateNamespace space when space.Attributes.TryGetValue(name, out var member) => member,
        LoopState loop => loop.Attribute(name),
        _ => new Undefined($"{Rendering.Kind(value)} has no member '{name}'"),
    };

    public static object? Item(object? value, object? key, Rendering rendering, TemplatePlace at)
    {
        if (Operators.Number(key) is BigInteger index)
        {
            if (value is object?[] list && Place(index, list.Length) is { } place)
                return list[place];
            if (value is string text)
            {
                rendering.Charge(text.Length, at);
                var characters = PythonText.Characters(text);
                if (Place(index, characters.Length) is { } character)
                    return characters[character];
            }

            return new Undefined($"{Rendering.Kind(value)} has no element {index}");
        }

        return new Undefined($"{Rendering.Kind(value)} has no element that is {Rendering.Kind(key)}");
    }

    public static object? Slice(object? value, int? from, int? to, int? step, Rendering rendering, TemplatePlace at)
    {
        if (value is not (string or object?[]))
            throw rendering.Fail(at, $"{Rendering.Kind(value)} has no slices");
        if (step == 0)
            throw rendering.Fail(at, "the step of a slice cannot be 0");
        var items = rendering.Items(value, at);
        var picked = new List<object?>();
        var by = step ?? 1;
        var (first, end) = by > 0 ? (Clip(from, 0, 0, items.Length), Clip(to, items.Length, 0, items.Length)) : (Clip(from, items.Length - 1, -1, items.Length - 1), Clip(to, -1, -1, items.Length - 1));
        for (long i = first; by > 0 ? i < end : i > end; i += by)
            picked.Add(items[i]);
        rendering.Charge(picked.Count, at);
        return value is string ? string.Concat(picked.Cast<string>()) : picked.ToArray();

        int Clip(int? bound, int otherwise, int lowest, int highest) =>
            bound is not { } given ? otherwise : Math.Clamp(given < 0 ? given + items.Length : given, lowest, highest);
    }

    private static int? Place(BigInteger index, int length)
    {
        var place = index.Sign < 0 ? index + length : index;
        return place.Sign >= 0 && place < length ? (int)place : null;
    }
}
