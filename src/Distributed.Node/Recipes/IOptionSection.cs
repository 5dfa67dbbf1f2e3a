namespace Distributed.Node.Recipes;

/// <summary>Marks a record whose settable properties are the options of one section of a recipe; their summaries are the reference.</summary>
public interface IOptionSection;
