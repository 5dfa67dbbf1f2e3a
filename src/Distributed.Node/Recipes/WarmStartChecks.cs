using System.Globalization;

namespace Distributed.Node.Recipes;

/// <summary>Refuses warm-start options that cannot go together.</summary>
internal static class WarmStartChecks
{
    public static void Check(WarmStartRecipe recipe, OptionBinder binder)
    {
        TrainingChecks.Environment(recipe.Environment, new(), binder);
        if (recipe.Model.Path is not null)
        {
            throw TrainingChecks.Refuse(binder, "model.path", "is not used by a warm start, which begins from random weights; give model.shape");
        }
        TrainingChecks.Shape(recipe.Model.Shape ?? new(), binder);
        if (recipe.Stages.Count == 0)
        {
            throw TrainingChecks.Refuse(binder, "stages", "is empty; list at least one stage");
        }
        for (var i = 0; i < recipe.Stages.Count; i++)
        {
            var stage = recipe.Stages[i];
            var path = string.Create(CultureInfo.InvariantCulture, $"stages[{i}]");
            var sum = stage.Mix.Values.Sum();
            if (Math.Abs(sum - 1) > 1e-6)
            {
                throw TrainingChecks.Refuse(binder, $"{path}.mix", $"sums to {OptionText.Number(sum)}; the shares must sum to 1");
            }
            if (stage.Until is { Category.Length: 0 })
            {
                throw TrainingChecks.Refuse(binder, $"{path}.until", "needs a category; for example '1 look-up'");
            }
        }
    }
}
